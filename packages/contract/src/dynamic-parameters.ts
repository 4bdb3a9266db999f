import { type Static, Type } from 'typebox'

import { Uuid } from './common.ts'
import { route } from './route.ts'

export const DynamicParametersRequest = Type.Object({
  id: Type.Optional(Type.Integer()),
  inputs: Type.Optional(Type.Record(Type.String(), Type.String())),
  owner_id: Type.Optional(Uuid),
})
export type DynamicParametersRequest = Static<typeof DynamicParametersRequest>

export const DiagnosticExtra = Type.Object({
  code: Type.String(),
})
export type DiagnosticExtra = Static<typeof DiagnosticExtra>

export const DiagnosticSeverityString = Type.Enum(['error', 'warning'])
export type DiagnosticSeverityString = Static<typeof DiagnosticSeverityString>

export const FriendlyDiagnostic = Type.Object({
  detail: Type.String(),
  extra: DiagnosticExtra,
  severity: DiagnosticSeverityString,
  summary: Type.String(),
})
export type FriendlyDiagnostic = Static<typeof FriendlyDiagnostic>

export const NullHCLString = Type.Object({
  valid: Type.Boolean(),
  value: Type.String(),
})
export type NullHCLString = Static<typeof NullHCLString>

export const ParameterFormType = Type.Enum([
  '',
  'radio',
  'slider',
  'input',
  'dropdown',
  'checkbox',
  'switch',
  'multi-select',
  'tag-select',
  'textarea',
  'error',
])
export type ParameterFormType = Static<typeof ParameterFormType>

export const PreviewParameterOption = Type.Object({
  description: Type.String(),
  icon: Type.String(),
  name: Type.String(),
  value: NullHCLString,
})
export type PreviewParameterOption = Static<typeof PreviewParameterOption>

export const PreviewParameterStyling = Type.Object({
  disabled: Type.Optional(Type.Boolean()),
  label: Type.Optional(Type.String()),
  mask_input: Type.Optional(Type.Boolean()),
  placeholder: Type.Optional(Type.String()),
})
export type PreviewParameterStyling = Static<typeof PreviewParameterStyling>

export const OptionType = Type.Enum(['string', 'number', 'bool', 'list(string)'])
export type OptionType = Static<typeof OptionType>

export const PreviewParameterValidation = Type.Object({
  validation_error: Type.String(),
  validation_max: Type.Union([Type.Integer(), Type.Null()]),
  validation_min: Type.Union([Type.Integer(), Type.Null()]),
  validation_monotonic: Type.Union([Type.String(), Type.Null()]),
  validation_regex: Type.Union([Type.String(), Type.Null()]),
})
export type PreviewParameterValidation = Static<typeof PreviewParameterValidation>

export const PreviewParameter = Type.Object({
  default_value: NullHCLString,
  description: Type.String(),
  diagnostics: Type.Array(FriendlyDiagnostic),
  display_name: Type.String(),
  ephemeral: Type.Boolean(),
  form_type: ParameterFormType,
  icon: Type.String(),
  mutable: Type.Boolean(),
  name: Type.String(),
  options: Type.Array(PreviewParameterOption),
  order: Type.Integer(),
  required: Type.Boolean(),
  styling: PreviewParameterStyling,
  type: OptionType,
  validations: Type.Array(PreviewParameterValidation),
  value: NullHCLString,
})
export type PreviewParameter = Static<typeof PreviewParameter>

export const DynamicParametersResponse = Type.Object({
  diagnostics: Type.Array(FriendlyDiagnostic),
  id: Type.Integer(),
  parameters: Type.Array(PreviewParameter),
})
export type DynamicParametersResponse = Static<typeof DynamicParametersResponse>

export const evaluateDynamicParameters = route(
  'POST /api/v2/templateversions/{templateversion}/dynamic-parameters/evaluate',
  {
    id: 'evaluate-dynamic-parameters-for-template-version',
    tag: 'Templates',
    body: DynamicParametersRequest,
    responses: { 200: DynamicParametersResponse },
  },
)

export const watchDynamicParameters = route(
  'GET /api/v2/templateversions/{templateversion}/dynamic-parameters',
  {
    id: 'open-dynamic-parameters-websocket-by-template-version',
    tag: 'Templates',
    query: Type.Object({ user_id: Type.Optional(Uuid) }),
    responses: { 101: null },
    stream: 'websocket',
  },
)
