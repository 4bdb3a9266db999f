/** One refused field of a request: its JSON name and why (ID-88). */
export interface Validation {
  readonly field: string
  readonly detail: string
}

/** What may accompany an {@link ApiError}. */
export interface ApiErrorOptions {
  readonly detail?: string | undefined
  readonly validations?: readonly Validation[] | undefined
  /** Response headers that belong to the answer, such as `Retry-After`. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Never shown to the caller; goes to the log line of the request (ID-221). */
  readonly cause?: unknown
  /** Further members of the envelope, for clients that go on from this answer. */
  readonly body?: Readonly<Record<string, unknown>> | undefined
  /** Answer with this text instead of the JSON envelope, where a client expects plain text (ID-124, ID-131). */
  readonly plainText?: boolean | undefined
}

/**
 * The one error that use cases and stores throw on purpose. The error boundary of the edge turns it into
 * the envelope `{message, detail?, validations?}` (ID-88); everything else that is thrown is a 500.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly detail: string | undefined
  readonly validations: readonly Validation[]
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, unknown>>
  readonly plainText: boolean

  constructor(status: number, message: string, options: ApiErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.status = status
    this.detail = options.detail
    this.validations = options.validations ?? []
    this.headers = options.headers ?? {}
    this.body = options.body ?? {}
    this.plainText = options.plainText ?? false
  }
}

/** 400: the request itself is wrong; name the field in `validations` where there is one. */
export function badRequest(message: string, options?: ApiErrorOptions): ApiError {
  return new ApiError(400, message, options)
}

/** 400 `Validation failed.` with one entry per refused field (ID-89). */
export function validationFailed(validations: readonly Validation[]): ApiError {
  return new ApiError(400, 'Validation failed.', { validations })
}

/** A field that must be there and is not, or is empty (ID-89). */
export function missingField(field: string): Validation {
  return { field, detail: 'Validation failed for tag "required" with value: ""' }
}

/**
 * 404 for an object that is missing or that the actor may not read. The bytes are the same for both, so
 * that existence does not leak (ID-91).
 */
export function notFound(): ApiError {
  return new ApiError(404, 'Resource not found or you do not have access to this resource')
}

/** 403: the actor may read the object but not do this to it (ID-92). */
export function forbidden(message = 'Forbidden.', options: ApiErrorOptions = {}): ApiError {
  return new ApiError(403, message, {
    detail: message === 'Forbidden.' ? 'You do not have permission to perform this action.' : undefined,
    ...options,
  })
}

/** 409: the state of the object does not allow this now, or a name is taken. */
export function conflict(message: string, options?: ApiErrorOptions): ApiError {
  return new ApiError(409, message, options)
}

/** Detail of a validation on a name that another row holds. */
export const UNIQUE_DETAIL = 'This value is already in use and should be unique.'

/** Text of 401 answers that ask the caller to sign in again (ID-62). */
export const SIGNED_OUT_MESSAGE =
  'You are signed out or your session has expired. Please sign in again to continue.'

/** Text of 500 answers whose cause must not reach the caller (ID-62, ID-221). */
export const INTERNAL_MESSAGE =
  'An internal error occurred. Please try again or contact the system administrator.'
