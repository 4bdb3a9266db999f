import type { User } from '@slipway/contract'
import { OnceShown } from '../account/once-shown.tsx'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'
import { Page, Section } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'

/** What comes after an account was made: its password for the only time, or how it comes in (UI-1401). */
export function UserCreated({
  user,
  password,
  onAnother,
}: {
  readonly user: User
  readonly password: string | undefined
  readonly onAnother: () => void
}) {
  return (
    <Page width="narrow">
      <PageHeader title="New user" documentTitle="New user - Users" />
      <Section title={user.username}>
        <div className="flex flex-col gap-5">
          {user.is_service_account ? (
            <Notice tone="ok" title={`${user.username} was created`}>
              A service account acts by tokens. Make one with the command line:{' '}
              <code>slipway tokens create --user {user.username}</code>.
            </Notice>
          ) : (
            <Notice tone="ok" title={`${user.username} can sign in now`}>
              {password === undefined
                ? `At the provider, with the email ${user.email}. The account is linked at the first sign-in.`
                : `With the email ${user.email} and this password. Pass it on in a safe way: it will not be shown again.`}
            </Notice>
          )}
          {password === undefined ? null : <OnceShown label="Password" secret={password} />}
          <div className="flex flex-wrap justify-end gap-2">
            <Button onClick={onAnother}>Create another</Button>
            <AppLink href={paths.user(user.username)} className={buttonClass({})}>
              Open {user.username}
            </AppLink>
            <AppLink href={paths.users()} className={buttonClass({ tone: 'primary' })}>
              Done
            </AppLink>
          </div>
        </div>
      </Section>
    </Page>
  )
}
