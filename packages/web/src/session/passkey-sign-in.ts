import { beginPasskeyLogin, completePasskeyLogin } from '@slipway/contract'
import { api } from '../api/client.ts'
import { signWithPasskey } from './passkeys.ts'

/** Signs in with a passkey alone. Loaded when it is asked for: most sign-ins are others (UI-1901). */
export async function signInWithPasskey(): Promise<void> {
  const { challenge_id, options } = await api.call(beginPasskeyLogin)
  await api.call(completePasskeyLogin, { body: { challenge_id, passkey: await signWithPasskey(options) } })
}
