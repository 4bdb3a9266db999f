import type { AppContext } from '../context.ts'
import { type BedrockSettings, readSettings, writeSettings } from './settings.ts'

type Secrets = Pick<AppContext, 'secrets'>

/** A key of a provider as it is stored: bound to its row and its provider. */
export function sealKey({ secrets }: Secrets, of: KeyOf, key: string): Buffer {
  return secrets.sealer.seal(Buffer.from(key), keyPurpose(of))
}

/** What {@link sealKey} was given. @throws Error when its key of encryption is not configured any more. */
export function openKey({ secrets }: Secrets, row: KeyOf & { readonly api_key: Buffer }): string {
  return secrets.sealer.open(row.api_key, keyPurpose(row)).toString()
}

interface KeyOf {
  readonly id: string
  readonly provider_id: string
}

function keyPurpose({ id, provider_id }: KeyOf): string {
  return `key ${id} of ai provider ${provider_id}`
}

/** Settings of a provider as they are stored: bound to it. */
export function sealSettings({ secrets }: Secrets, providerId: string, settings: BedrockSettings): Buffer {
  return secrets.sealer.seal(Buffer.from(writeSettings(settings)), settingsPurpose(providerId))
}

/** What {@link sealSettings} was given; undefined without any. @throws Error when they cannot be read any more. */
export function openSettings(
  { secrets }: Secrets,
  row: { readonly id: string; readonly settings: Buffer | null },
): BedrockSettings | undefined {
  if (row.settings === null) return undefined
  return readSettings(secrets.sealer.open(row.settings, settingsPurpose(row.id)).toString())
}

function settingsPurpose(id: string): string {
  return `settings of ai provider ${id}`
}

interface UserKeyOf {
  readonly user_id: string
  readonly ai_provider_id: string
}

/** A user's own key as it is stored: bound to the user and the provider. */
export function sealUserKey({ secrets }: Secrets, of: UserKeyOf, key: string): Buffer {
  return secrets.sealer.seal(Buffer.from(key), userKeyPurpose(of))
}

/** What {@link sealUserKey} was given. @throws Error when its key of encryption is not configured any more. */
export function openUserKey({ secrets }: Secrets, row: UserKeyOf & { readonly api_key: Buffer }): string {
  return secrets.sealer.open(row.api_key, userKeyPurpose(row)).toString()
}

function userKeyPurpose({ user_id, ai_provider_id }: UserKeyOf): string {
  return `key of ${user_id} for ai provider ${ai_provider_id}`
}
