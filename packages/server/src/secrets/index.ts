export { type DeploymentSecrets, decodeKey, loadDeploymentSecrets, ownKey } from './deployment-secrets.ts'
export { OWN_KEY_FEATURE } from './own-key-feature.ts'
export { keyDigest, Sealer, secretPurpose } from './sealer.ts'
export { ensureSecret } from './store.ts'
