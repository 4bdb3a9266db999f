import type { OAuth2ProviderApp, PutOAuth2ProviderAppRequest } from '@slipway/contract'
import { FULL_SCOPE } from '../account/token-scopes.ts'
import { describeError } from '../api/errors.ts'

/** One line of the redirect URIs; its key stays while others come and go. */
interface RedirectUri {
  readonly key: number
  readonly uri: string
}

/** An app as it is edited. */
export interface AppDraft {
  readonly name: string
  readonly icon: string
  /** The first one is the callback URL; there is always one. */
  readonly redirectUris: readonly RedirectUri[]
  /** Scopes that it may ask for; the full scope for all. */
  readonly scopes: readonly string[]
  readonly rememberConsent: boolean
  readonly requirePushed: boolean
}

export const NEW_APP: AppDraft = {
  name: '',
  icon: '',
  redirectUris: [{ key: 0, uri: '' }],
  scopes: [FULL_SCOPE],
  rememberConsent: false,
  requirePushed: false,
}

export function draftOf(app: OAuth2ProviderApp): AppDraft {
  const further = app.redirect_uris.filter((uri) => uri !== app.callback_url)
  return {
    name: app.name,
    icon: app.icon,
    redirectUris: [app.callback_url, ...further].map((uri, key) => ({ key, uri })),
    scopes: app.scope === '' ? [FULL_SCOPE] : app.scope.split(' '),
    rememberConsent: app.remember_consent,
    requirePushed: app.require_pushed_authorization_requests,
  }
}

/** What is sent. Empty lines of redirect URIs are left out, and so they are in {@link uriFault}. */
export function requestOf(draft: AppDraft): PutOAuth2ProviderAppRequest {
  const [callback = '', ...further] = sentUris(draft).map(({ uri }) => uri.trim())
  return {
    name: draft.name.trim(),
    icon: draft.icon.trim(),
    callback_url: callback,
    redirect_uris: further,
    scope: draft.scopes.includes(FULL_SCOPE) ? '' : draft.scopes.join(' '),
    remember_consent: draft.rememberConsent,
    require_pushed_authorization_requests: draft.requirePushed,
  }
}

/** What the server says about one line of the redirect URIs. */
export function uriFault(draft: AppDraft, key: number, error: unknown): string | undefined {
  const at = sentUris(draft).findIndex((one) => one.key === key)
  const field = at === 0 ? 'callback_url' : `redirect_uris.${at - 1}`
  return at < 0 ? undefined : describeError(error).validations.find((one) => one.field === field)?.detail
}

function sentUris({ redirectUris }: AppDraft): readonly RedirectUri[] {
  return redirectUris.filter(({ uri }) => uri.trim() !== '')
}

/** Whether two drafts come to the same app. */
export function isSameDraft(one: AppDraft, other: AppDraft): boolean {
  return JSON.stringify(requestOf(one)) === JSON.stringify(requestOf(other))
}
