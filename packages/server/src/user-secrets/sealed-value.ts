import type { AppContext } from '../context.ts'
import type { UserSecretRow } from './store.ts'

/** A value as it is stored: bound to its secret and its user, so that it cannot be moved to another one. */
export function sealValue(
  { secrets }: Pick<AppContext, 'secrets'>,
  of: Pick<UserSecretRow, 'id' | 'user_id'>,
  value: string,
): { readonly sealedValue: Buffer; readonly valueSize: number } {
  const bytes = Buffer.from(value)
  return { sealedValue: secrets.sealer.seal(bytes, purpose(of)), valueSize: bytes.length }
}

/** What {@link sealValue} was given. @throws Error when its key is not configured any more. */
export function openValue({ secrets }: Pick<AppContext, 'secrets'>, row: UserSecretRow): string {
  return secrets.sealer.open(row.value, purpose(row)).toString()
}

function purpose({ id, user_id }: Pick<UserSecretRow, 'id' | 'user_id'>): string {
  return `secret ${id} of ${user_id}`
}
