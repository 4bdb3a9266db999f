import type { PreviewParameter } from '@slipway/contract'

/** Elements of a `list(string)` value; none when it is no JSON list of texts. */
export function listValue(value: string): readonly string[] {
  try {
    const parsed: unknown = JSON.parse(value)
    return Array.isArray(parsed) ? parsed.filter((entry) => typeof entry === 'string') : []
  } catch {
    return []
  }
}

/** What keeps a parameter from being submitted, in words for its field; undefined when nothing does. */
export function parameterFault(parameter: PreviewParameter, value: string | undefined): string | undefined {
  const errors = parameter.diagnostics.filter(({ severity }) => severity === 'error')
  if (errors.length > 0)
    return errors.map(({ summary, detail }) => (detail === '' ? summary : detail)).join(' ')
  if (value === undefined && parameter.required && parameter.form_type !== 'error')
    return 'A value is required.'
  return undefined
}

/** What people call a parameter. */
export function parameterTitle(
  parameter: Pick<PreviewParameter, 'name' | 'display_name' | 'styling'>,
): string {
  if (parameter.styling.label !== undefined && parameter.styling.label !== '') return parameter.styling.label
  return parameter.display_name === '' ? parameter.name : parameter.display_name
}

/** The bounds of a number, where the template gives some. */
export function numberBounds(parameter: Pick<PreviewParameter, 'validations'>): {
  readonly min: number | undefined
  readonly max: number | undefined
} {
  const rule = parameter.validations[0]
  return { min: rule?.validation_min ?? undefined, max: rule?.validation_max ?? undefined }
}
