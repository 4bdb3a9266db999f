import { badRequest } from '../errors/index.ts'
import { isAllowedDomain, isEmail, isVerified } from './email-rules.ts'
import { avatarUrl, type Profile, realName, usernameFrom } from './profile.ts'
import type { OidcProvider } from './provider.ts'
import { SignInRefused } from './sign-in-error.ts'

/** Claims of one source by name. */
export type Claims = Readonly<Record<string, unknown>>

/** What a provider said at a sign-in; `merged_claims` is what counts (ID-160). */
export interface ClaimSources {
  readonly id_token_claims: Claims
  readonly user_info_claims: Claims
  readonly merged_claims: Claims
}

/** Key of a person's link (ID-167). */
export function oidcLinkedId(issuer: string, subject: string): string {
  return `${issuer}||${subject}`
}

/**
 * Reads a profile out of merged claims (ID-161).
 *
 * @throws ApiError 400 without any e-mail address.
 */
export function oidcProfile(
  provider: Pick<OidcProvider, 'emailField' | 'usernameField' | 'nameField'>,
  linkedId: string,
  claims: Claims,
): Profile {
  const username = textOf(claims, provider.usernameField)
  const given = textOf(claims, provider.emailField)
  const email = isEmail(given) ? given : isEmail(username) ? username : undefined
  if (email === undefined)
    throw badRequest('No email found in OIDC payload!', {
      detail: `The claim ${JSON.stringify(provider.emailField)} holds no e-mail address.`,
    })
  return {
    linkedId,
    username: usernameFrom(username, email),
    email,
    emailVerified: isVerified(claims.email_verified),
    name: realName(textOf(claims, provider.nameField)),
    avatarUrl: avatarUrl(textOf(claims, 'picture')),
    githubComUserId: undefined,
  }
}

/**
 * Whether the address lets its owner in (ID-162).
 *
 * @throws SignInRefused 403 for one that is not verified or of another domain.
 */
export function requireGoodEmail(
  provider: Pick<OidcProvider, 'ignoreEmailVerified' | 'emailDomains'>,
  profile: Profile,
): void {
  if (!profile.emailVerified && !provider.ignoreEmailVerified)
    throw new SignInRefused(
      403,
      'Email not verified',
      'Verify your email address at your identity provider, then sign in again.',
    )
  if (!isAllowedDomain(profile.email, provider.emailDomains))
    throw new SignInRefused(
      403,
      'Unauthorized email',
      `The address ${profile.email} is not of a domain that may sign in here. Ask your administrator.`,
    )
}

function textOf(claims: Claims, field: string): string {
  const value = Object.hasOwn(claims, field) ? claims[field] : undefined
  return typeof value === 'string' ? value.trim() : ''
}
