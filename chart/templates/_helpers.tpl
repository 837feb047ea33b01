{{- define "sandbox.labels" -}}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: data-platform
{{- end }}

{{- /* Restricted pod security, for every pod of ours. */}}
{{- define "sandbox.podSecurity" -}}
runAsNonRoot: true
runAsUser: 50000
runAsGroup: 0
fsGroup: 0
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "sandbox.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities: {drop: [ALL]}
{{- end }}

{{- /* Gives a volume to the image's user. Root with two capabilities: a host-path volume belongs to root.
       Arguments: image, pullPolicy, mounts (name, mountPath). */}}
{{- define "sandbox.ownVolumes" -}}
- name: own-volumes
  image: {{ .image }}
  imagePullPolicy: {{ .pullPolicy }}
  command: [sh, -c, "chown 50000:0 {{ range .mounts }}{{ .mountPath }} {{ end }}&& chmod 0770 {{ range .mounts }}{{ .mountPath }} {{ end }}"]
  securityContext:
    runAsUser: 0
    runAsNonRoot: false
    allowPrivilegeEscalation: false
    capabilities: {drop: [ALL], add: [CHOWN, FOWNER]}
  resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {memory: 64Mi}}
  volumeMounts:
    {{- range .mounts }}
    - {name: {{ .name }}, mountPath: {{ .mountPath }}}
    {{- end }}
{{- end }}

{{- /* A volume of the node for one claim: it outlives the pod, the claim and a restart of the node, whatever storage class
       the cluster has. Arguments: root, claim, storage. */}}
{{- define "sandbox.nodeVolume" -}}
apiVersion: v1
kind: PersistentVolume
metadata:
  name: {{ .root.Release.Namespace }}-{{ .claim }}
  labels: {{- include "sandbox.labels" .root | nindent 4 }}
spec:
  capacity: {storage: {{ .storage }}}
  accessModes: [ReadWriteOnce]
  storageClassName: ""
  persistentVolumeReclaimPolicy: Retain
  claimRef: {namespace: {{ .root.Release.Namespace }}, name: {{ .claim }}}
  hostPath: {path: {{ .root.Values.sandbox.volumeRoot }}/{{ .root.Release.Namespace }}/{{ .claim }}, type: DirectoryOrCreate}
{{- end }}
