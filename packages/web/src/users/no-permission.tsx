import { Lock } from 'lucide-react'

import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { useUser } from '../session/session.tsx'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'

/** A page that the viewer may not open: who they are, what is missing, a way home (UI-313). */
export function NoPermission({ what, permission }: { readonly what: string; readonly permission: string }) {
  const user = useUser()
  return (
    <EmptyState
      page
      icon={Lock}
      title={`You may not ${what}`}
      action={
        <AppLink href={paths.workspaces()} className={buttonClass({ tone: 'primary' })}>
          Go to workspaces
        </AppLink>
      }
    >
      You are signed in as {user.username}. What is missing is the permission <code>{permission}</code>; an
      owner of the deployment can give it.
    </EmptyState>
  )
}
