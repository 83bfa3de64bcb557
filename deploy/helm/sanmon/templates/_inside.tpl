{{/* What holds in every container: who it runs as, what it is told, where it may write. */}}
{{- define "sanmon.inside" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
env:
  - { name: MODULES, value: {{ join "," .modules | quote }} }
  - { name: DATA_DIR, value: /data }
  {{- range $name, $value := .settings }}
  - { name: {{ $name }}, value: {{ include "sanmon.text" $value | quote }} }
  {{- end }}
  {{- range $name, $_ := .secrets }}
  - { name: {{ $name }}_FILE, value: /etc/sanmon/{{ $name }} }
  {{- end }}
volumeMounts:
  - { name: data, mountPath: /data }
  - { name: secrets, mountPath: /etc/sanmon, readOnly: true }
{{- end -}}

{{/* A value as text: a large number of YAML would else come out as 1.2e+06. */}}
{{- define "sanmon.text" -}}
{{- if kindIs "float64" . -}}{{- if eq (floor .) . -}}{{ int64 . }}{{- else -}}{{ . }}{{- end -}}{{- else -}}{{ . }}{{- end -}}
{{- end -}}
