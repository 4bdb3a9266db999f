import type { Sealer } from '../secrets/index.ts'
import type { PushTarget } from './store.ts'

const keyPurpose = (publicKey: string): string => `webpush private key of ${publicKey}`
const authPurpose = (endpoint: string): string => `webpush auth key of ${endpoint}`

/** The private key of a pair, bound to its public one. */
export function sealPrivateKey(sealer: Sealer, publicKey: string, privateKey: Buffer): Buffer {
  return sealer.seal(privateKey, keyPurpose(publicKey))
}

/** The secret of a browser, bound to its address. */
export function sealAuthKey(sealer: Sealer, endpoint: string, authKey: Buffer): Buffer {
  return sealer.seal(authKey, authPurpose(endpoint))
}

/** What the two were, in base64url. @throws Error when their key is not configured any more. */
export function openKeys(
  sealer: Sealer,
  { endpoint, public_key, auth_key, private_key }: PushTarget,
): { readonly authKey: string; readonly privateKey: string } {
  return {
    authKey: sealer.open(auth_key, authPurpose(endpoint)).toString('base64url'),
    privateKey: sealer.open(private_key, keyPurpose(public_key)).toString('base64url'),
  }
}
