import type { AppContext } from '../context.ts'
import { limitedSubject } from '../edge/index.ts'
import { OAuthError } from '../errors/index.ts'
import { SharedLimit } from '../rate-limits/index.ts'

const HOUR_MS = 3_600_000

/** How many clients may introduce themselves, for all replicas together (OA-B7). */
export class RegistrationLimits {
  readonly #perAddress: SharedLimit
  readonly #perDeployment: SharedLimit
  readonly #documents: SharedLimit
  readonly #documentsPerAddress: SharedLimit

  constructor(context: AppContext) {
    const { config } = context
    const limit = config.oauth2RegistrationRateLimit
    const perAddress = config.oauth2RegistrationRateLimitPerAddress
    this.#perAddress = new SharedLimit(context, {
      name: 'oauth2-registration-address',
      limit: perAddress,
      windowMs: HOUR_MS,
    })
    this.#perDeployment = new SharedLimit(context, {
      name: 'oauth2-registration',
      limit,
      windowMs: HOUR_MS,
    })
    this.#documents = new SharedLimit(context, { name: 'oauth2-documents', limit, windowMs: HOUR_MS })
    this.#documentsPerAddress = new SharedLimit(context, {
      name: 'oauth2-documents-address',
      limit: perAddress,
      windowMs: HOUR_MS,
    })
  }

  /** Counts a registration. @throws OAuthError 429. */
  async takeRegistration(remoteAddress: string): Promise<void> {
    refuse(await this.#perAddress.take(limitedSubject(undefined, remoteAddress)), 'from this address')
    refuse(await this.#perDeployment.take(''), 'with this deployment')
  }

  /** Counts a document that was never read before, so that nobody uses up what is there for all. @throws OAuthError 429. */
  async takeDocument(remoteAddress: string): Promise<void> {
    refuse(
      await this.#documentsPerAddress.take(limitedSubject(undefined, remoteAddress)),
      'from this address',
    )
    refuse(await this.#documents.take(''), 'with this deployment')
  }
}

function refuse(retryAfter: number, where: string): void {
  if (retryAfter > 0) throw tooManyClients(`Too many clients have registered ${where}`, retryAfter)
}

/** 429 for a client too many; `retryAfter` is in seconds. */
export function tooManyClients(description: string, retryAfter: number): OAuthError {
  return new OAuthError(429, 'temporarily_unavailable', description, {
    headers: { 'Retry-After': String(retryAfter) },
  })
}
