import { type Static, Type } from 'typebox'

import { Time, Uuid } from './common.ts'
import { route } from './route.ts'

const tag = 'Users'

/** Bytes in base64url, as WebAuthn writes them in JSON. */
const Bytes = (maxLength: number) => Type.String({ minLength: 1, maxLength, pattern: '^[A-Za-z0-9_-]+$' })

const CredentialId = Bytes(1_400)

const CredentialDescriptor = Type.Object({
  id: CredentialId,
  type: Type.Literal('public-key'),
  transports: Type.Optional(Type.Array(Type.String())),
})

/** WebAuthn `PublicKeyCredentialCreationOptionsJSON`. */
export const PasskeyCreationOptions = Type.Object({
  rp: Type.Object({ name: Type.String(), id: Type.Optional(Type.String()) }),
  user: Type.Object({ id: Type.String(), name: Type.String(), displayName: Type.String() }),
  challenge: Type.String(),
  pubKeyCredParams: Type.Array(Type.Object({ alg: Type.Integer(), type: Type.Literal('public-key') })),
  timeout: Type.Optional(Type.Integer()),
  excludeCredentials: Type.Optional(Type.Array(CredentialDescriptor)),
  authenticatorSelection: Type.Optional(
    Type.Object({
      residentKey: Type.Optional(Type.Enum(['discouraged', 'preferred', 'required'])),
      requireResidentKey: Type.Optional(Type.Boolean()),
      userVerification: Type.Optional(Type.Enum(['discouraged', 'preferred', 'required'])),
    }),
  ),
  attestation: Type.Optional(Type.Enum(['direct', 'enterprise', 'indirect', 'none'])),
})
export type PasskeyCreationOptions = Static<typeof PasskeyCreationOptions>

/** WebAuthn `PublicKeyCredentialRequestOptionsJSON`. */
export const PasskeyRequestOptions = Type.Object({
  challenge: Type.String(),
  timeout: Type.Optional(Type.Integer()),
  rpId: Type.Optional(Type.String()),
  allowCredentials: Type.Optional(Type.Array(CredentialDescriptor)),
  userVerification: Type.Optional(Type.Enum(['discouraged', 'preferred', 'required'])),
})
export type PasskeyRequestOptions = Static<typeof PasskeyRequestOptions>

/** WebAuthn `RegistrationResponseJSON`, as `navigator.credentials.create` gives it. */
export const PasskeyRegistration = Type.Object({
  id: CredentialId,
  rawId: CredentialId,
  type: Type.Literal('public-key'),
  response: Type.Object({
    clientDataJSON: Bytes(8_192),
    attestationObject: Bytes(65_536),
    transports: Type.Optional(Type.Array(Type.String({ maxLength: 32 }), { maxItems: 16 })),
  }),
})
export type PasskeyRegistration = Static<typeof PasskeyRegistration>

/** WebAuthn `AuthenticationResponseJSON`, as `navigator.credentials.get` gives it. */
export const PasskeyAssertion = Type.Object({
  id: CredentialId,
  rawId: CredentialId,
  type: Type.Literal('public-key'),
  response: Type.Object({
    clientDataJSON: Bytes(8_192),
    authenticatorData: Bytes(8_192),
    signature: Bytes(8_192),
    userHandle: Type.Optional(Bytes(128)),
  }),
})
export type PasskeyAssertion = Static<typeof PasskeyAssertion>

/** Names a step that is under way; opaque, good for five minutes and for one use. */
const ChallengeId = Type.String({ minLength: 1, maxLength: 1_024 })
const TotpCode = Type.String({ minLength: 1, maxLength: 16 })
const RecoveryCode = Type.String({ minLength: 1, maxLength: 64 })
const Password = Type.String({ minLength: 1, maxLength: 1_024 })
const PasskeyName = Type.String({ minLength: 1, maxLength: 64, pattern: '^[^\\u0000-\\u001f\\u007f]*$' })
const SessionToken = Type.Object({ session_token: Type.String() })

/** A way to prove who one is beside the password. */
export const SecondFactorMethod = Type.Enum(['totp', 'passkey', 'recovery_code'])
export type SecondFactorMethod = Static<typeof SecondFactorMethod>

/**
 * `second_factor_required` in the 403 of `POST /users/login` for the right password of an account that has a second
 * factor; {@link completeLogin} goes on from there.
 */
export const SecondFactorRequired = Type.Object({
  challenge_id: Type.String(),
  expires_at: Time,
  methods: Type.Array(SecondFactorMethod),
  /** For `navigator.credentials.get`, when a passkey is one of the methods. */
  passkey_options: Type.Optional(PasskeyRequestOptions),
})
export type SecondFactorRequired = Static<typeof SecondFactorRequired>

/**
 * `second_factor_enrolment_required` in the 403 of `POST /users/login` where the deployment asks everybody for a second
 * factor and the account has none; {@link beginLoginEnrolment} goes on from there.
 */
export const SecondFactorEnrolmentRequired = Type.Object({ challenge_id: Type.String(), expires_at: Time })
export type SecondFactorEnrolmentRequired = Static<typeof SecondFactorEnrolmentRequired>

/** One proof; exactly one of the fields. `passkey` answers the options that came with the challenge. */
const Proof = {
  totp_code: Type.Optional(TotpCode),
  recovery_code: Type.Optional(RecoveryCode),
  passkey: Type.Optional(PasskeyAssertion),
}

export const completeLogin = route('POST /api/v2/users/login/second-factor', {
  id: 'log-in-user-with-second-factor',
  tag: 'Authorization',
  security: 'none',
  body: Type.Object({ challenge_id: ChallengeId, ...Proof }),
  responses: { 201: SessionToken },
})

const TotpSecret = Type.Object({
  challenge_id: Type.String(),
  expires_at: Time,
  /** Base32, for those who type it. */
  secret: Type.String(),
  /** `otpauth://totp/…`, for a QR code. */
  otpauth_url: Type.String(),
})

export const beginLoginEnrolment = route('POST /api/v2/users/login/enrolment', {
  id: 'begin-second-factor-enrolment-at-log-in',
  tag: 'Authorization',
  security: 'none',
  body: Type.Object({ challenge_id: ChallengeId }),
  responses: { 200: TotpSecret },
})

export const completeLoginEnrolment = route('POST /api/v2/users/login/enrolment/confirm', {
  id: 'complete-second-factor-enrolment-at-log-in',
  tag: 'Authorization',
  security: 'none',
  body: Type.Object({ challenge_id: ChallengeId, totp_code: TotpCode }),
  responses: {
    201: Type.Object({ session_token: Type.String(), recovery_codes: Type.Array(Type.String()) }),
  },
})

const PasskeyRequest = Type.Object({
  challenge_id: Type.String(),
  expires_at: Time,
  options: PasskeyRequestOptions,
})

export const beginPasskeyLogin = route('POST /api/v2/users/login/passkey/options', {
  id: 'begin-passkey-log-in',
  tag: 'Authorization',
  security: 'none',
  responses: { 200: PasskeyRequest },
})

export const completePasskeyLogin = route('POST /api/v2/users/login/passkey', {
  id: 'log-in-user-with-passkey',
  tag: 'Authorization',
  security: 'none',
  body: Type.Object({ challenge_id: ChallengeId, passkey: PasskeyAssertion }),
  responses: { 201: SessionToken },
})

/** A passkey as its owner sees it. */
export const Passkey = Type.Object({
  id: Uuid,
  name: Type.String(),
  created_at: Time,
  last_used_at: Type.Optional(Time),
  /** Whether its provider keeps a copy of it elsewhere. */
  backed_up: Type.Boolean(),
})
export type Passkey = Static<typeof Passkey>

/** What protects an account beside its password. */
export const SecondFactors = Type.Object({
  /** Whether the deployment asks all accounts with a password for one. */
  required: Type.Boolean(),
  /** Whether this account may have any: others are protected by their provider. */
  available: Type.Boolean(),
  totp: Type.Object({ enabled: Type.Boolean(), created_at: Type.Optional(Time) }),
  passkeys: Type.Array(Passkey),
  recovery_codes_left: Type.Integer(),
})
export type SecondFactors = Static<typeof SecondFactors>

/** Shown once; empty when the account has some already. */
const RecoveryCodes = Type.Array(Type.String())

export const getSecondFactors = route('GET /api/v2/users/{user}/second-factors', {
  id: 'get-user-second-factors',
  tag,
  responses: { 200: SecondFactors },
})

/** Removes all factors of another user who has lost theirs. */
export const resetSecondFactors = route('DELETE /api/v2/users/{user}/second-factors', {
  id: 'reset-user-second-factors',
  tag,
  responses: { 204: null },
})

export const beginTotp = route('POST /api/v2/users/{user}/second-factors/totp', {
  id: 'begin-totp-enrolment',
  tag,
  responses: { 200: TotpSecret },
})

export const confirmTotp = route('PUT /api/v2/users/{user}/second-factors/totp', {
  id: 'confirm-totp-enrolment',
  tag,
  body: Type.Object({ challenge_id: ChallengeId, totp_code: TotpCode }),
  responses: { 200: Type.Object({ recovery_codes: RecoveryCodes }) },
})

export const deleteTotp = route('DELETE /api/v2/users/{user}/second-factors/totp', {
  id: 'delete-totp',
  tag,
  responses: { 204: null },
})

export const beginPasskey = route('POST /api/v2/users/{user}/second-factors/passkeys/options', {
  id: 'begin-passkey-enrolment',
  tag,
  responses: {
    200: Type.Object({ challenge_id: Type.String(), expires_at: Time, options: PasskeyCreationOptions }),
  },
})

export const createPasskey = route('POST /api/v2/users/{user}/second-factors/passkeys', {
  id: 'create-passkey',
  tag,
  body: Type.Object({ challenge_id: ChallengeId, name: PasskeyName, passkey: PasskeyRegistration }),
  responses: { 201: Type.Object({ passkey: Passkey, recovery_codes: RecoveryCodes }) },
})

export const renamePasskey = route('PATCH /api/v2/users/{user}/second-factors/passkeys/{passkey}', {
  id: 'rename-passkey',
  tag,
  body: Type.Object({ name: PasskeyName }),
  responses: { 200: Passkey },
})

export const deletePasskey = route('DELETE /api/v2/users/{user}/second-factors/passkeys/{passkey}', {
  id: 'delete-passkey',
  tag,
  responses: { 204: null },
})

/** Makes ten new recovery codes; the former ones end. */
export const createRecoveryCodes = route('POST /api/v2/users/{user}/second-factors/recovery-codes', {
  id: 'create-recovery-codes',
  tag,
  responses: { 201: Type.Object({ recovery_codes: RecoveryCodes }) },
})

/** How a session proves anew who holds it: by the password only while there is no second factor. */
export const StepUpMethod = Type.Enum(['password', 'totp', 'passkey', 'recovery_code'])

/**
 * What a step-up takes now. A 403 with `step_up_required` (an object that is like this answer without the options) says
 * that one is due.
 */
export const StepUpOptions = Type.Object({
  methods: Type.Array(StepUpMethod),
  challenge_id: Type.String(),
  expires_at: Time,
  passkey_options: Type.Optional(PasskeyRequestOptions),
})
export type StepUpOptions = Static<typeof StepUpOptions>

export const beginStepUp = route('POST /api/v2/users/{user}/step-up/options', {
  id: 'begin-step-up',
  tag,
  responses: { 200: StepUpOptions },
})

/** Exactly one proof; `challenge_id` only with a passkey. */
export const stepUp = route('POST /api/v2/users/{user}/step-up', {
  id: 'step-up',
  tag,
  body: Type.Object({
    challenge_id: Type.Optional(ChallengeId),
    password: Type.Optional(Password),
    ...Proof,
  }),
  responses: { 200: Type.Object({ valid_until: Time }) },
})
