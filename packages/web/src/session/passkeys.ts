import type {
  PasskeyAssertion,
  PasskeyCreationOptions,
  PasskeyRegistration,
  PasskeyRequestOptions,
} from '@slipway/contract'

/** Has the browser sign what the server asks with a passkey. @throws Error in words for the viewer. */
export async function signWithPasskey(options: PasskeyRequestOptions): Promise<PasskeyAssertion> {
  const { startAuthentication } = await import('@simplewebauthn/browser')
  const { allowCredentials, ...rest } = options
  const made = await inWords(() =>
    startAuthentication({
      optionsJSON: {
        ...rest,
        ...(allowCredentials === undefined ? {} : { allowCredentials: allowCredentials.map(descriptor) }),
      },
    }),
  )
  const { clientDataJSON, authenticatorData, signature, userHandle } = made.response
  return {
    id: made.id,
    rawId: made.rawId,
    type: 'public-key',
    response: {
      clientDataJSON,
      authenticatorData,
      signature,
      ...(userHandle === undefined || userHandle === '' ? {} : { userHandle }),
    },
  }
}

/** Has the browser make a passkey for this account. @throws Error in words for the viewer. */
export async function makePasskey(options: PasskeyCreationOptions): Promise<PasskeyRegistration> {
  const { startRegistration } = await import('@simplewebauthn/browser')
  const { excludeCredentials, ...rest } = options
  const made = await inWords(() =>
    startRegistration({
      optionsJSON: {
        ...rest,
        ...(excludeCredentials === undefined
          ? {}
          : { excludeCredentials: excludeCredentials.map(descriptor) }),
      },
    }),
  )
  const { clientDataJSON, attestationObject, transports } = made.response
  return {
    id: made.id,
    rawId: made.rawId,
    type: 'public-key',
    response: {
      clientDataJSON,
      attestationObject,
      ...(transports === undefined ? {} : { transports }),
    },
  }
}

const TRANSPORTS = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'] as const
type Transport = (typeof TRANSPORTS)[number]

function descriptor({
  id,
  type,
  transports = [],
}: {
  readonly id: string
  readonly type: 'public-key'
  readonly transports?: readonly string[]
}): { id: string; type: 'public-key'; transports: Transport[] } {
  return {
    id,
    type,
    transports: transports.flatMap((name) => TRANSPORTS.filter((known) => known === name)),
  }
}

async function inWords<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw new Error(passkeyFailure(error), { cause: error })
  }
}

/** What a viewer is told when the browser gives no passkey: it names its reasons by class (WebAuthn §5.1). */
export function passkeyFailure(error: unknown): string {
  const name = error instanceof Error ? error.name : ''
  switch (name) {
    case 'NotAllowedError':
    case 'AbortError':
      return 'No passkey was used: the browser’s prompt was closed or timed out. Try again.'
    case 'InvalidStateError':
      return 'This device already has a passkey for your account.'
    case 'SecurityError':
      return 'The browser does not allow passkeys at this address. Open the dashboard at the access URL of the deployment.'
    default:
      return `The browser gave no passkey${error instanceof Error && error.message !== '' ? `: ${error.message}` : '.'}`
  }
}
