export { type DeploymentSecrets, loadDeploymentSecrets } from './deployment-secrets.ts'
export type { Sealer } from './sealer.ts'
export { ensureSecret } from './store.ts'
