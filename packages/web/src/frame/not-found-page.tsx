import { Compass } from 'lucide-react'

import { AppLink, usePathname } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'

/** An address that is no page: offers to look for its last part (UI-405). */
export function NotFoundPage() {
  const pathname = usePathname()
  const last = decoded(pathname.split('/').findLast((part) => part !== '') ?? '').replace(/^@/, '')
  return (
    <EmptyState
      page
      icon={Compass}
      title="There is no such page"
      action={
        <>
          {last === '' ? null : (
            <>
              <AppLink href={paths.workspaces({ filter: quoted(last) })} className={buttonClass({})}>
                Workspaces named “{last.slice(0, 40)}”
              </AppLink>
              <AppLink href={paths.templates({ filter: quoted(last) })} className={buttonClass({})}>
                Templates named “{last.slice(0, 40)}”
              </AppLink>
            </>
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

/** The text as it is when it is no valid percent-encoding. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** A bare word of the filter grammar. */
function quoted(text: string): string {
  return /[\s:"]/.test(text) ? `"${text.replaceAll('"', '')}"` : text
}
