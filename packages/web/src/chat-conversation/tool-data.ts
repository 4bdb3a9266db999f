import { parsePartialJson } from './partial-json.ts'
import type { ToolCall } from './rows.ts'

/** Arguments and results are the word of models and tools: nothing about them is certain. */
export type Data = Readonly<Record<string, unknown>>

const NOTHING: Data = {}

export function asData(value: unknown): Data | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : undefined
}

/** Arguments of a call, also while they are still coming. */
export function argsOf({ call }: ToolCall): Data {
  if (call === undefined) return NOTHING
  const value =
    call.args === undefined
      ? parsePartialJson(call.args_delta ?? '')
      : typeof call.args === 'string'
        ? parsePartialJson(call.args)
        : call.args
  return asData(value) ?? NOTHING
}

/** Result of a call; undefined when there is none yet or it is not what tools answer. */
export function resultOf({ result }: ToolCall): Data | undefined {
  const value = result?.result
  return asData(typeof value === 'string' ? (parsePartialJson(value) ?? undefined) : value)
}

/** Text of a member; undefined when it is empty or no text. */
export function text(data: Data | undefined, name: string): string | undefined {
  const value = data?.[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function number(data: Data | undefined, name: string): number | undefined {
  const value = data?.[name]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

export function flag(data: Data | undefined, name: string): boolean {
  return data?.[name] === true
}

/** Objects in a list; whatever else is in it is left out. */
export function list(data: Data | undefined, name: string): readonly Data[] {
  const value = data?.[name]
  if (!Array.isArray(value)) return []
  return value.map(asData).filter((item) => item !== undefined)
}

/** Why a call failed, in the words of the tool. */
export function errorOf(call: ToolCall): string | undefined {
  const { result } = call
  if (result === undefined) return undefined
  const data = resultOf(call)
  const said =
    text(data, 'error') ??
    text(data, 'last_error') ??
    (data?.success === false ? text(data, 'message') : undefined)
  if (said !== undefined) return said
  if (result.is_error !== true) return undefined
  return typeof result.result === 'string' ? result.result : (text(data, 'message') ?? 'The tool failed.')
}
