import { describeError } from '@slipway/request-log'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import type { Outer } from './in-process-api.ts'

/**
 * What a client is told of a failure: all of a refusal, and of what is ours only where to find it in the log (OA-90,
 * ID-119).
 */
export function explainFailure(
  { log }: Pick<AppContext, 'log'>,
  { context }: Outer,
  { what, ...fields }: { readonly what: string; readonly mcp_tool?: string },
  error: unknown,
): string {
  if (error instanceof ApiError && error.status < 500) {
    const { denial } = context
    const lacks =
      denial?.lacks === 'permission'
        ? `The token lacks the scope ${denial.object.type}:${denial.action}.`
        : ''
    const validations = error.validations.map(({ field, detail }) => `${field}: ${detail}`)
    return [error.message, error.detail, lacks, ...validations].filter(Boolean).join(' ')
  }
  if (error instanceof ApiError && error.status !== 500)
    return [error.message, error.detail].filter(Boolean).join(' ')
  log.warn(what, { request_id: context.id, ...fields, stack: describeError(error) })
  return `An internal server error occurred. Reference: ${context.id}`
}
