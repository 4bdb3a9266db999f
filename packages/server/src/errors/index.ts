export {
  ApiError,
  type ApiErrorOptions,
  badRequest,
  conflict,
  forbidden,
  INTERNAL_MESSAGE,
  missingField,
  notFound,
  SIGNED_OUT_MESSAGE,
  UNIQUE_DETAIL,
  type Validation,
  validationFailed,
} from './api-error.ts'
export { isDatabaseFault } from './database-fault.ts'
export {
  invalidClient,
  invalidOAuthRequest,
  OAuthError,
  oauthDescription,
  oauthDocument,
} from './oauth-error.ts'
export { SCIM_JSON, ScimError, type ScimErrorType, scimDocument } from './scim-error.ts'
