import type { KeyOwner, ValidatedKey } from '../../edge/index.ts'
import type { UserRow } from '../store/users.ts'

/** Who asks for something that a stolen session must not give. */
export interface Caller {
  readonly key: Pick<ValidatedKey, 'id'>
  readonly owner: Pick<KeyOwner, 'id'>
}

/** What accounts are asked beside their password (L-32). */
export interface AccountChecks {
  /** Called with the right password, before a session is opened. @throws ApiError 403 saying what must follow. */
  afterPassword(user: UserRow): Promise<void>
  /** Notes that whoever holds the key has just shown the password, or more. */
  proved(keyId: string, proof: { readonly bySecondFactor: boolean }): Promise<void>
  /** @throws ApiError 403 `step_up_required` when the account has a second factor and the session no fresh proof of it. */
  requireStepUp(caller: Caller): Promise<void>
  /** A session that another one opens is as fresh as that one. */
  inheritProof(fromKeyId: string, toKeyId: string): Promise<void>
}
