import type { AppContext } from '../context.ts'

/** Columns of the settings that hold a secret. */
export type SecretColumn = 'guardrail_webhook_secret' | 'export_webhook_secret'

/** A secret as it is stored: bound to its column. */
export function sealSecret(
  { secrets }: Pick<AppContext, 'secrets'>,
  column: SecretColumn,
  secret: string,
): Buffer {
  return secrets.sealer.seal(Buffer.from(secret), purposeOf(column))
}

/**
 * What {@link sealSecret} was given; undefined without one.
 *
 * @throws Error when its key of encryption is not configured any more.
 */
export function openSecret(
  { secrets }: Pick<AppContext, 'secrets'>,
  column: SecretColumn,
  sealed: Buffer | null,
): string | undefined {
  return sealed === null ? undefined : secrets.sealer.open(sealed, purposeOf(column)).toString()
}

function purposeOf(column: SecretColumn): string {
  return `${column} of the ai gateway`
}
