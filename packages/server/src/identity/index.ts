export { activateOnUse } from './activate-on-use.ts'
export { identityRoutes } from './routes.ts'
export { KeyValidator } from './validate-key.ts'
