import { ChevronRight } from 'lucide-react'
import { Fragment } from 'react'

import { AppLink } from '../navigation/app-link.tsx'

/** Where a page three levels deep lies: links to what is above it, and its own name. */
export function Breadcrumbs({
  above,
  here,
}: {
  readonly above: readonly { readonly label: string; readonly href: string }[]
  readonly here: string
}) {
  return (
    <nav aria-label="Breadcrumbs" className="min-w-0 text-sm text-ink-2">
      <ol className="flex min-w-0 flex-wrap items-center gap-x-1">
        {above.map(({ label, href }) => (
          <Fragment key={href}>
            <li className="min-w-0">
              <AppLink
                href={href}
                className="block truncate rounded-sm py-0.5 hover:text-ink hover:underline hover:underline-offset-3"
              >
                <bdi>{label}</bdi>
              </AppLink>
            </li>
            <li aria-hidden="true">
              <ChevronRight className="size-3.5 text-ink-3" />
            </li>
          </Fragment>
        ))}
        <li aria-current="page" className="min-w-0 truncate py-0.5 text-ink">
          <bdi>{here}</bdi>
        </li>
      </ol>
    </nav>
  )
}
