import { Compass } from 'lucide-react'

import { AppLink, usePathname } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'

/** An address that is no page: offers to look for its last part (UI-405). */
export function NotFoundPage() {
  const pathname = usePathname()
  const last = decodeURIComponent(pathname.split('/').findLast((part) => part !== '') ?? '').replace(/^@/, '')
  return (
    <EmptyState
      page
      icon={Compass}
      title="There is no such page"
      action={
        <>
          {last === '' ? null : (
            <AppLink href={paths.workspaces({ filter: last })} className={buttonClass({})}>
              Look for a workspace named “{last.slice(0, 40)}”
            </AppLink>
          )}
          <AppLink href={paths.workspaces()} className={buttonClass({ tone: 'primary' })}>
            Go to workspaces
          </AppLink>
        </>
      }
    >
      <p>
        <code className="break-all">{pathname}</code> leads nowhere. The link may be old, or mistyped.
      </p>
    </EmptyState>
  )
}
