{{- define "gatehouse.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "gatehouse.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "gatehouse.name" .) .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "gatehouse.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "gatehouse.selector" -}}
app.kubernetes.io/name: {{ include "gatehouse.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end }}

{{- /* Without the component: that is each object's own. */}}
{{- define "gatehouse.labels" -}}
app.kubernetes.io/name: {{ include "gatehouse.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "gatehouse.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{- define "gatehouse.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "gatehouse.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "gatehouse.secretVolumes" -}}
- name: database
  secret:
    secretName: {{ .database.existingSecret }}
    defaultMode: 0440
    items:
      - key: {{ .database.key }}
        path: url
- name: encryption-key
  secret:
    secretName: {{ .encryptionKey.existingSecret }}
    defaultMode: 0440
    items:
      - key: {{ .encryptionKey.key }}
        path: key
{{- end }}

{{- define "gatehouse.secretMounts" -}}
- name: database
  mountPath: /run/secrets/gatehouse/database
  readOnly: true
- name: encryption-key
  mountPath: /run/secrets/gatehouse/encryption-key
  readOnly: true
{{- end }}

{{- define "gatehouse.secretEnvironment" -}}
- name: GATEHOUSE__DATABASE__URL__FILE
  value: /run/secrets/gatehouse/database/url
- name: GATEHOUSE__KEYS__ENCRYPTION_KEY__FILE
  value: /run/secrets/gatehouse/encryption-key/key
{{- end }}
