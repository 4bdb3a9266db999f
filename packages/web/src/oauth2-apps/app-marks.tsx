import type { OAuth2ProviderApp } from '@slipway/contract'
import { Mark } from '../ui/form.tsx'

/** Whether only the app itself says who it is. */
export function isSelfRegistered(app: OAuth2ProviderApp): boolean {
  return app.dynamically_registered || app.metadata_url !== ''
}

/** What an app is, beside its name: who vouches for it, and whether it can keep a secret. */
export function AppMarks({ app }: { readonly app: OAuth2ProviderApp }) {
  return (
    <>
      {app.metadata_url !== '' ? (
        <span title={`Described by ${app.metadata_url}`}>
          <Mark>Metadata document</Mark>
        </span>
      ) : app.dynamically_registered ? (
        <span title="It registered itself: nobody has verified who it is">
          <Mark>Self-registered</Mark>
        </span>
      ) : null}
      {app.client_type === 'public' ? (
        <span title="It has no secret and uses PKCE instead">
          <Mark>Public</Mark>
        </span>
      ) : null}
    </>
  )
}
