{{/* All deployments by their names; one with everything when none is named. */}}
{{- define "sanmon.deployments" -}}
{{- .Values.deployments | default (dict "all" dict) | toYaml -}}
{{- end -}}

{{/* What one deployment is: its own values over the defaults. Call with (list $ name). */}}
{{- define "sanmon.traits" -}}
{{- $root := index . 0 -}}
{{- $own := get $root.Values.deployments (index . 1) | default dict -}}
{{- mergeOverwrite (deepCopy $root.Values.defaults) $own | toYaml -}}
{{- end -}}

{{/* The modules of one deployment, as JSON. */}}
{{- define "sanmon.modules" -}}
{{- $traits := include "sanmon.traits" . | fromYaml -}}
{{- $traits.modules | default (list "orders" "payments" "inventory" "notifications") | toJson -}}
{{- end -}}

{{- define "sanmon.name" -}}
{{- printf "%s-%s" (index . 0).Release.Name (index . 1) | trunc 58 | trimSuffix "-" -}}
{{- end -}}

{{- define "sanmon.selector" -}}
app.kubernetes.io/name: sanmon
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "sanmon.labels" -}}
{{ include "sanmon.selector" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ printf "%s-%s" (index . 0).Chart.Name (index . 0).Chart.Version }}
{{- end -}}

{{- define "sanmon.ownSecret" -}}{{ printf "%s-settings" .Release.Name }}{{- end -}}

{{/* Which key of which Secret has which setting, those of `secretValues` among them. */}}
{{- define "sanmon.secrets" -}}
{{- $all := deepCopy .Values.secrets -}}
{{- range $name, $_ := .Values.secretValues -}}
{{- $_ := set $all $name (dict "secret" (include "sanmon.ownSecret" $) "key" $name) -}}
{{- end -}}
{{- toYaml $all -}}
{{- end -}}

{{/* Where prices are asked: the deployment that has inventory. Empty when none has. */}}
{{- define "sanmon.inventory" -}}
{{- $root := . -}}
{{- range $name, $_ := include "sanmon.deployments" $ | fromYaml -}}
{{- if has "inventory" (include "sanmon.modules" (list $root $name) | fromJsonArray) -}}
{{- printf "dns:///%s-grpc.%s.svc:50051\n" (include "sanmon.name" (list $root $name)) $root.Release.Namespace -}}
{{- end -}}
{{- end -}}
{{- end -}}
