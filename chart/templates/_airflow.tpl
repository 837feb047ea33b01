{{- /* Airflow's image and environment, exactly as the official chart gives them to its own containers. */}}
{{- define "sandbox.airflowImage" -}}
image: {{ include "airflow_image" .Subcharts.airflow | quote }}
imagePullPolicy: {{ .Values.airflow.images.airflow.pullPolicy }}
{{- end }}

{{- define "sandbox.airflowEnvironment" -}}
envFrom:
  {{- include "custom_airflow_environment_from" .Subcharts.airflow }}
env:
  {{- include "standard_airflow_environment" .Subcharts.airflow }}
  {{- include "custom_airflow_environment" .Subcharts.airflow }}
{{- end }}

{{- define "sandbox.imagePullSecrets" -}}
{{- with .Values.airflow.registry }}{{ with .secretName }}
imagePullSecrets: [{name: {{ . }}}]
{{- end }}{{ end }}
{{- end }}
