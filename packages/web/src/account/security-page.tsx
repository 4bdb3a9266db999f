import { useQuery } from '@tanstack/react-query'

import { authMethodsQuery } from '../session/queries.ts'
import { useUser } from '../session/session.tsx'
import { Notice } from '../ui/notice.tsx'
import { ConvertLogin } from './convert-login.tsx'
import { PasswordSection } from './password-section.tsx'
import { SecondFactorsSection } from './second-factors-section.tsx'

const ELSEWHERE: Readonly<Record<string, string>> = { oidc: 'OpenID Connect', github: 'GitHub' }

/** `/settings/security`: the password and what protects the account beside it (UI-1501, L-32). */
export function SecurityPage() {
  const user = useUser()
  const methods = useQuery(authMethodsQuery)
  if (user.login_type !== 'password')
    return (
      <Notice tone="info" title="This account has no password here">
        You sign in by {ELSEWHERE[user.login_type] ?? user.login_type}: password and second factors are those
        of the account there.
      </Notice>
    )
  return (
    <div className="flex flex-col gap-4">
      <PasswordSection />
      <SecondFactorsSection />
      {(methods.data?.providers.length ?? 0) > 0 ? (
        <ConvertLogin providers={methods.data?.providers ?? []} />
      ) : null}
    </div>
  )
}
