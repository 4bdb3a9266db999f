export { enabledSecretsOf, type InjectedSecret } from './enabled-secrets.ts'
export { userSecretRoutes } from './routes.ts'
