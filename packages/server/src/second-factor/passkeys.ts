import { isIP } from 'node:net'

import type { PasskeyAssertion, PasskeyCreationOptions, PasskeyRequestOptions } from '@slipway/contract'
import type { AppContext } from '../context.ts'
import { badRequest } from '../errors/index.ts'
import type { PasskeyRow } from './store/factors.ts'

/** What is asked of an authenticator, with the challenge apart that must come back signed. */
export interface Asked<Options> {
  readonly options: Options
  readonly challenge: string
}

/** A new passkey as its authenticator described it. */
export interface RegisteredPasskey {
  readonly credentialId: Buffer
  readonly publicKey: Buffer
  readonly signCount: number
  readonly transports: readonly string[]
  readonly backedUp: boolean
}

/** What a good assertion says. */
export interface PasskeyUse {
  readonly signCount: number
  readonly backedUp: boolean
}

/** COSE identifiers of EdDSA, ES256 and RS256: what authenticators have. */
const ALGORITHMS = [-8, -7, -257]

/** Who the browser must be talking to: the host and origin of the access URL, and no other (WebAuthn §13.4.9). */
function relyingParty(context: AppContext): { readonly id: string; readonly origin: string } {
  const url = new URL(context.accessUrl())
  return { id: url.hostname, origin: url.origin }
}

/**
 * What to ask for a new passkey.
 *
 * @throws ApiError 400 where browsers allow none, because the access URL is an address without a name.
 */
export async function creationOptions(
  context: AppContext,
  user: { readonly id: string; readonly username: string; readonly name: string },
  existing: readonly PasskeyRow[],
): Promise<Asked<PasskeyCreationOptions>> {
  const party = relyingParty(context)
  if (isIP(party.id.replace(/^\[|\]$/g, '')) !== 0)
    throw badRequest('Passkeys need an access URL with a host name.', {
      detail: 'Set CODER_ACCESS_URL to the name under which people reach this deployment.',
    })
  const { generateRegistrationOptions } = await import('@simplewebauthn/server')
  const options = await generateRegistrationOptions({
    rpName: context.appearance.applicationName,
    rpID: party.id,
    userID: Uint8Array.from(Buffer.from(user.id.replaceAll('-', ''), 'hex')),
    userName: user.username,
    userDisplayName: user.name === '' ? user.username : user.name,
    attestationType: 'none',
    excludeCredentials: existing.map(descriptorOf),
    supportedAlgorithmIDs: ALGORITHMS,
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
  })
  const { rp, user: account, challenge, pubKeyCredParams, timeout } = options
  return {
    challenge,
    options: {
      rp: { name: rp.name, ...(rp.id === undefined ? {} : { id: rp.id }) },
      user: account,
      challenge,
      pubKeyCredParams,
      ...(timeout === undefined ? {} : { timeout }),
      excludeCredentials: existing.map((passkey) => ({
        ...descriptorOf(passkey),
        type: 'public-key' as const,
      })),
      authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
      attestation: 'none',
    },
  }
}

/** What to ask for one of these passkeys, or for any that the browser knows when none are given. */
export async function requestOptions(
  context: AppContext,
  passkeys: readonly PasskeyRow[] | undefined,
): Promise<Asked<PasskeyRequestOptions>> {
  const { generateAuthenticationOptions } = await import('@simplewebauthn/server')
  // Without a password before it, the authenticator has to make sure who holds it.
  const userVerification = passkeys === undefined ? ('required' as const) : ('preferred' as const)
  const party = relyingParty(context)
  const { challenge, timeout } = await generateAuthenticationOptions({ rpID: party.id, userVerification })
  return {
    challenge,
    options: {
      challenge,
      rpId: party.id,
      userVerification,
      ...(timeout === undefined ? {} : { timeout }),
      ...(passkeys === undefined
        ? {}
        : {
            allowCredentials: passkeys.map((passkey) => ({
              ...descriptorOf(passkey),
              type: 'public-key' as const,
            })),
          }),
    },
  }
}

function descriptorOf(passkey: PasskeyRow): { id: string; transports: string[] } {
  return { id: passkey.credential_id.toString('base64url'), transports: passkey.transports }
}

/** What browsers send for a new passkey, with less of it checked than the contract does. */
type Registration = Parameters<
  typeof import('@simplewebauthn/server')['verifyRegistrationResponse']
>[0]['response']

/** Checks a new passkey (WebAuthn §7.1); undefined when it answers something else or comes from another origin. */
export async function verifyRegistration(
  context: AppContext,
  response: Omit<Registration, 'clientExtensionResults'>,
  challenge: string,
): Promise<RegisteredPasskey | undefined> {
  const party = relyingParty(context)
  const { verifyRegistrationResponse } = await import('@simplewebauthn/server')
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: { ...response, clientExtensionResults: {} },
      expectedChallenge: challenge,
      expectedOrigin: party.origin,
      expectedRPID: party.id,
      supportedAlgorithmIDs: ALGORITHMS,
      requireUserVerification: false,
    })
    if (!verified) return undefined
    const { credential, credentialBackedUp } = registrationInfo
    return {
      credentialId: Buffer.from(credential.id, 'base64url'),
      publicKey: Buffer.from(credential.publicKey),
      signCount: credential.counter,
      transports: credential.transports ?? [],
      backedUp: credentialBackedUp,
    }
  } catch (error) {
    context.log.debug('a new passkey was refused', { error: String(error) })
    return undefined
  }
}

/** Checks what a passkey signed (WebAuthn §7.2); undefined when that is not what was asked for. */
export async function verifyAssertion(
  context: AppContext,
  passkey: PasskeyRow,
  response: PasskeyAssertion,
  expected: { readonly challenge: string; readonly userVerification: boolean },
): Promise<PasskeyUse | undefined> {
  const party = relyingParty(context)
  const { verifyAuthenticationResponse } = await import('@simplewebauthn/server')
  try {
    const { userHandle, ...signed } = response.response
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: {
        ...response,
        response: { ...signed, ...(userHandle === undefined ? {} : { userHandle }) },
        clientExtensionResults: {},
      },
      expectedChallenge: expected.challenge,
      expectedOrigin: party.origin,
      expectedRPID: party.id,
      credential: {
        id: passkey.credential_id.toString('base64url'),
        publicKey: Uint8Array.from(passkey.public_key),
        counter: passkey.sign_count,
      },
      requireUserVerification: expected.userVerification,
    })
    if (!verified) return undefined
    return { signCount: authenticationInfo.newCounter, backedUp: authenticationInfo.credentialBackedUp }
  } catch (error) {
    context.log.debug('a passkey was refused', { error: String(error) })
    return undefined
  }
}
