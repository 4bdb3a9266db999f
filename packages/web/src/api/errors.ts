import { formatDuration } from '../ui/duration.ts'
import { ApiError } from './http.ts'

/** What a viewer is told about a failure. */
export interface ErrorDescription {
  readonly message: string
  readonly detail: string | undefined
  /** Of failures that somebody has to look up in the log of the server. */
  readonly requestId: string | undefined
  readonly validations: readonly { readonly field: string; readonly detail: string }[]
  /** Trying the same again may help. */
  readonly retryable: boolean
}

/** The cause of a failed request in the server's own words, or what is known about why none came. */
export function describeError(error: unknown): ErrorDescription {
  if (error instanceof ApiError)
    return {
      message: error.message,
      detail: [error.detail, waitOf(error)].filter((part) => part !== undefined).join(' ') || undefined,
      requestId: error.status >= 500 ? error.requestId : undefined,
      validations: error.validations,
      retryable: error.status >= 500 || error.status === 429 || error.status === 408,
    }
  const message = error instanceof Error ? error.message : String(error)
  return { message, detail: undefined, requestId: undefined, validations: [], retryable: true }
}

/** What to do about a request that came too soon (UI-2104). */
function waitOf({ status, retryAfter }: ApiError): string | undefined {
  return status === 429 && retryAfter !== undefined
    ? `Try again in ${formatDuration(Math.max(1, Math.ceil(retryAfter)) * 1000)}.`
    : undefined
}

/** HTTP status of a failed request; undefined when no answer came. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof ApiError ? error.status : undefined
}

/** What the server says about one field of a form. */
export function fieldError(error: unknown, field: string): string | undefined {
  return error === null || error === undefined
    ? undefined
    : describeError(error).validations.find((validation) => validation.field === field)?.detail
}

/** What the server says about a filter that it cannot read; undefined for every other failure (UI-501). */
export function filterFault(error: unknown): string | undefined {
  if (statusOf(error) !== 400) return undefined
  const { message, validations } = describeError(error)
  return validations.map(({ detail }) => detail).join('. ') || message
}
