import type {
  SecondFactorEnrolmentRequired,
  SecondFactorMethod,
  SecondFactorRequired,
} from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { forbidden } from '../errors/index.ts'
import type { AccountChecks, Caller, UserRow } from '../identity/index.ts'
import { type Challenge, issueChallenge } from './challenges.ts'
import { requestOptions } from './passkeys.ts'
import { passwordDigest } from './password-digest.ts'
import { factorsOf, hasFactor } from './prove.ts'
import type { Factors } from './store/factors.ts'
import { copyProof, getProofState, type ProofState, setProof } from './store/proofs.ts'

/** How long a proof lets a session do what a stolen one must not. */
export const PROOF_MS = 10 * 60_000

const guard = systemActor('account_security', 'how fresh a session is shows whatever its scope is')

/** Second factors of accounts with a password (L-32): what sign-in and the minting of keys ask of them. */
export class SecondFactorChecks implements AccountChecks {
  readonly #context: AppContext

  constructor(context: AppContext) {
    this.#context = context
  }

  async afterPassword(user: UserRow): Promise<void> {
    const factors = await factorsOf(this.#context, user.id)
    const password = passwordDigest(user)
    if (hasFactor(factors)) {
      const required = await this.#required(user.id, factors, password)
      throw forbidden('A second factor is needed to sign in.', {
        detail: 'Go on with POST /api/v2/users/login/second-factor.',
        body: { second_factor_required: required },
      })
    }
    if (!this.#context.config.requireSecondFactor) return
    const enrolment: SecondFactorEnrolmentRequired = issueChallenge(this.#context, 'enrol at sign in', {
      userId: user.id,
      password,
    })
    throw forbidden('A second factor has to be set up to sign in.', {
      detail: 'Go on with POST /api/v2/users/login/enrolment.',
      body: { second_factor_enrolment_required: enrolment },
    })
  }

  async #required(userId: string, factors: Factors, password: string): Promise<SecondFactorRequired> {
    const asked =
      factors.passkeys.length === 0 ? undefined : await requestOptions(this.#context, factors.passkeys)
    const challenge: Challenge = {
      userId,
      password,
      ...(asked === undefined ? {} : { webauthn: asked.challenge }),
    }
    return {
      ...issueChallenge(this.#context, 'sign in', challenge),
      methods: methodsOf(factors),
      ...(asked === undefined ? {} : { passkey_options: asked.options }),
    }
  }

  proved(keyId: string, proof: { readonly bySecondFactor: boolean }): Promise<void> {
    const now = this.#context.clock.now()
    return setProof(guard, this.#context.database.db, keyId, { ...proof, now })
  }

  inheritProof(fromKeyId: string, toKeyId: string): Promise<void> {
    return copyProof(guard, this.#context.database.db, fromKeyId, toKeyId)
  }

  async requireStepUp(caller: Caller): Promise<void> {
    const state = await this.#stateOf(caller)
    if (state.hasFactor && !(state.bySecondFactor && this.#isFresh(state))) await this.#refuse(caller)
  }

  /**
   * For changes of the factors themselves: the password does while there is no factor.
   *
   * @throws ApiError 403 `step_up_required`.
   */
  async requireFreshProof(caller: Caller): Promise<void> {
    const state = await this.#stateOf(caller)
    if (!this.#isFresh(state) || (state.hasFactor && !state.bySecondFactor)) await this.#refuse(caller)
  }

  /**
   * For terminals and tunnels of workspaces, where the deployment says how old the proof may be.
   *
   * @throws ApiError 403 `step_up_required`.
   */
  async requireProofForSsh(caller: Caller): Promise<void> {
    const maxAge = this.#context.config.sshStepUpMaxAge
    if (maxAge === 0) return
    const state = await this.#stateOf(caller)
    if (state.hasFactor && !(state.bySecondFactor && this.#isFresh(state, maxAge))) await this.#refuse(caller)
  }

  #stateOf({ key, owner }: Caller): Promise<ProofState> {
    return getProofState(guard, this.#context.database.db, { keyId: key.id, userId: owner.id })
  }

  #isFresh({ provedAt }: ProofState, maxAge = PROOF_MS): boolean {
    return provedAt !== undefined && this.#context.clock.now().getTime() - provedAt.getTime() < maxAge
  }

  async #refuse({ owner }: Caller): Promise<never> {
    const factors = await factorsOf(this.#context, owner.id)
    throw forbidden('Confirm first that it is you.', {
      detail: 'Go on with POST /api/v2/users/me/step-up/options, then send this request again.',
      body: { step_up_required: { methods: stepUpMethodsOf(factors) } },
    })
  }
}

/** What a sign-in may go on with. */
function methodsOf(factors: Factors): SecondFactorMethod[] {
  return [
    ...(factors.passkeys.length > 0 ? (['passkey'] as const) : []),
    ...(factors.totp === undefined ? [] : (['totp'] as const)),
    ...(factors.recoveryCodes > 0 ? (['recovery_code'] as const) : []),
  ]
}

/** What a step-up takes: the password only while there is nothing better. */
export function stepUpMethodsOf(factors: Factors): (SecondFactorMethod | 'password')[] {
  return hasFactor(factors) ? methodsOf(factors) : ['password']
}
