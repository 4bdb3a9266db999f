import type { RichParameter } from '../engine/description.ts'
import { matches } from './matches.ts'

/** Values longer than this are refused (WS-120). */
const MAX_VALUE_BYTES = 65_536

/**
 * Checks one value against its parameter (WS-120, WS-121).
 *
 * @param previous value of the build before, for `monotonic`; undefined without one.
 * @returns why it is refused, or undefined when it is fine.
 */
export function valueFault(
  parameter: RichParameter,
  value: string,
  previous: string | undefined,
): string | undefined {
  if (Buffer.byteLength(value) > MAX_VALUE_BYTES) return `value is longer than ${MAX_VALUE_BYTES} bytes`
  if (value === '' && !parameter.required && parameter.defaultValue === '') return undefined
  const shape = shapeFault(parameter, value)
  if (shape !== undefined) return shape
  const choice = optionFault(parameter, value)
  if (choice !== undefined) return choice
  switch (parameter.type) {
    case 'string':
      return regexFault(parameter, value)
    case 'number':
      return numberFault(parameter, Number(value), previous)
    case 'bool':
    case 'list(string)':
      return undefined
  }
}

/** Why a text is no value of the parameter's type, or undefined. */
export function shapeFault(parameter: Pick<RichParameter, 'type'>, value: string): string | undefined {
  switch (parameter.type) {
    case 'string':
      return undefined
    case 'number':
      return isNumber(value) ? undefined : `value ${JSON.stringify(value.slice(0, 100))} is not a number`
    case 'bool':
      return value === 'true' || value === 'false' ? undefined : 'value must be true or false'
    case 'list(string)':
      return listOf(value) === undefined ? 'value must be a JSON array of texts' : undefined
  }
}

/** Whether a text is a number that a template can calculate with. */
export function isNumber(text: string): boolean {
  return /^-?\d+(\.\d+)?$/.test(text) && Number.isFinite(Number(text))
}

/** The elements of a `list(string)` value; undefined when it is none. */
export function listOf(value: string): string[] | undefined {
  try {
    const parsed: unknown = JSON.parse(value)
    return Array.isArray(parsed) && parsed.every((entry) => typeof entry === 'string') ? parsed : undefined
  } catch {
    return undefined
  }
}

function optionFault(parameter: RichParameter, value: string): string | undefined {
  if (parameter.options.length === 0) return undefined
  const allowed = new Set(parameter.options.map((option) => option.value))
  const chosen = parameter.formType === 'multi-select' ? (listOf(value) ?? []) : [value]
  const unknown = chosen.find((entry) => !allowed.has(entry))
  return unknown === undefined
    ? undefined
    : `value ${JSON.stringify(unknown)} is not one of the options ${[...allowed].map((entry) => JSON.stringify(entry)).join(', ')}`
}

function regexFault(parameter: RichParameter, value: string): string | undefined {
  const rule = parameter.validation
  if (rule === null || rule.regex === '') return undefined
  try {
    return matches(rule.regex, value)
      ? undefined
      : rule.error || `value ${JSON.stringify(value)} does not match ${rule.regex}`
  } catch (error) {
    return `the template's expression ${rule.regex} cannot check the value: ${error instanceof Error ? error.message : String(error)}`
  }
}

function numberFault(
  parameter: RichParameter,
  value: number,
  previous: string | undefined,
): string | undefined {
  const rule = parameter.validation
  if (rule === null) return undefined
  const message = (fallback: string): string =>
    rule.error === ''
      ? fallback
      : rule.error
          .replaceAll('{min}', String(rule.min ?? ''))
          .replaceAll('{max}', String(rule.max ?? ''))
          .replaceAll('{value}', String(value))
  // PR-95: Terraform's provider counts in whole numbers too once there is a validation.
  if (!Number.isInteger(value)) return `value ${value} is not a whole number`
  if (rule.min !== null && value < rule.min)
    return message(`value ${value} is less than the minimum ${rule.min}`)
  if (rule.max !== null && value > rule.max)
    return message(`value ${value} is more than the maximum ${rule.max}`)
  if (previous === undefined || previous === '') return undefined
  const before = Number(previous)
  if (rule.monotonic === 'increasing' && value < before)
    return message(`parameter value must be equal or greater than previous value: ${before}`)
  if (rule.monotonic === 'decreasing' && value > before)
    return message(`parameter value must be equal or lower than previous value: ${before}`)
  return undefined
}
