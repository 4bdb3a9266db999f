import { ApiError, type ApiErrorOptions } from './api-error.ts'

/** Media type of what SCIM endpoints answer (RFC 7644, section 3.1). */
export const SCIM_JSON = 'application/scim+json; charset=utf-8'

const SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:Error'

/** What exactly is wrong with a request (RFC 7644, section 3.12). */
export type ScimErrorType =
  | 'invalidFilter'
  | 'invalidPath'
  | 'invalidSyntax'
  | 'invalidValue'
  | 'mutability'
  | 'uniqueness'

/** What a SCIM endpoint refuses a request with. */
export class ScimError extends ApiError {
  readonly type: ScimErrorType

  constructor(status: number, type: ScimErrorType, message: string, options: ApiErrorOptions = {}) {
    super(status, message, options)
    this.type = type
  }
}

/** The body of any failure of a SCIM endpoint; the members of the envelope are kept, for those who know that. */
export function scimDocument(known: ApiError | undefined, envelope: object): object {
  const status = known?.status ?? 500
  const type = known instanceof ScimError ? known.type : typeOf(status)
  const faults = known?.validations.map(({ field, detail }) => `${field}: ${detail}`) ?? []
  const said = known?.message ?? 'An internal server error occurred.'
  return {
    ...envelope,
    schemas: [SCHEMA],
    status: String(status),
    ...(type === undefined ? {} : { scimType: type }),
    detail: [said, ...faults, ...(known?.detail === undefined ? [] : [known.detail])].join(' '),
  }
}

function typeOf(status: number): ScimErrorType | undefined {
  if (status === 400) return 'invalidValue'
  return status === 409 ? 'uniqueness' : undefined
}
