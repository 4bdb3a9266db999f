import type { getAuthMethods, ResponseOf } from '@slipway/contract'
import { buttonClass } from '../ui/button.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'

export type AuthMethods = ResponseOf<typeof getAuthMethods>
export type AuthProvider = AuthMethods['providers'][number]

/** A link to each provider, which leads back to where the visitor was going (L-34). */
export function ProviderLinks({
  providers,
  target,
}: {
  readonly providers: readonly AuthProvider[]
  readonly target: string
}) {
  if (providers.length === 0) return null
  return (
    <ul className="flex flex-col gap-2">
      {providers.map((provider) => (
        <li key={`${provider.kind}/${provider.id}`}>
          <a className={`${buttonClass({})} w-full`} href={providerHref(provider, target)}>
            <ProviderIcon provider={provider} />
            <span className="truncate">{providerLabel(provider)}</span>
          </a>
        </li>
      ))}
    </ul>
  )
}

/** The icon of a provider; nothing where it has none. */
export function ProviderIcon({ provider }: { readonly provider: AuthProvider }) {
  if (provider.kind === 'github')
    return (
      <svg viewBox="0 0 16 16" className="size-4 shrink-0" fill="currentColor" aria-hidden="true">
        <path d={GITHUB_MARK} />
      </svg>
    )
  return provider.icon === '' ? null : <ThingIcon src={provider.icon} className="size-4" />
}

/** From Octicons (MIT). */
const GITHUB_MARK =
  'M8 0c4.42 0 8 3.58 8 8a8.013 8.013 0 0 1-5.45 7.59c-.4.08-.55-.17-.55-.38 0-.27.01-1.13.01-2.2 0-.75-.25-1.23-.54-1.48 1.78-.2 3.65-.88 3.65-3.95 0-.88-.31-1.59-.82-2.15.08-.2.36-1.02-.08-2.12 0 0-.67-.22-2.2.82-.64-.18-1.32-.27-2-.27-.68 0-1.36.09-2 .27-1.53-1.03-2.2-.82-2.2-.82-.44 1.1-.16 1.92-.08 2.12-.51.56-.82 1.28-.82 2.15 0 3.06 1.86 3.75 3.64 3.95-.23.2-.44.55-.51 1.07-.46.21-1.61.55-2.33-.66-.15-.24-.6-.83-1.23-.82-.67.01-.27.38.01.53.34.19.73.9.82 1.13.16.45.68 1.31 2.69.94 0 .67.01 1.3.01 1.49 0 .21-.15.45-.55.38A7.995 7.995 0 0 1 0 8c0-4.42 3.58-8 8-8Z'

/** Where the sign-in at a provider starts. */
export function providerHref({ url }: AuthProvider, target: string): string {
  return `${url}?${new URLSearchParams({ redirect: target })}`
}

/** What the button says: operators give a name, or a sentence of their own. */
export function providerLabel({ display_name: name, kind }: AuthProvider): string {
  if (kind === 'github' && name === 'github') return 'Continue with GitHub'
  return /^(sign|log) ?in\b|^continue\b/i.test(name) ? name : `Continue with ${name}`
}

/** The provider that the accounts of an address belong to, where the operator lets everybody know (L-28). */
export function providerOfEmail(providers: readonly AuthProvider[], email: string): AuthProvider | undefined {
  const at = email.lastIndexOf('@')
  const domain =
    at < 0
      ? ''
      : email
          .slice(at + 1)
          .trim()
          .toLowerCase()
  if (domain === '') return undefined
  return providers.find(({ email_domains: domains }) =>
    domains.some((one) => one.replace(/^@/, '').toLowerCase() === domain),
  )
}
