import * as apiKeys from './api-keys.ts'
import * as authorization from './authorization.ts'
import * as deployment from './deployment.ts'
import type { Route } from './route.ts'
import * as users from './users.ts'

export * from './api-keys.ts'
export * from './authorization.ts'
export * from './common.ts'
export * from './deployment.ts'
export { openApi } from './openapi.ts'
export * from './route.ts'
export * from './users.ts'

/** Every operation of the contract. */
export const routes: readonly Route[] = [apiKeys, authorization, deployment, users].flatMap((part) =>
  Object.values(part).filter(isRoute),
)

function isRoute(value: unknown): value is Route {
  return typeof value === 'object' && value !== null && 'responses' in value && 'method' in value
}
