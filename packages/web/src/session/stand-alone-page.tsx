import { type ReactNode, useEffect } from 'react'

import { Logo } from '../ui/logo.tsx'
import { PRODUCT } from '../ui/product.ts'

/** Pages before and beside the frame: sign-in, set-up. */
export function StandAlonePage({
  title,
  context,
  children,
}: {
  readonly title: string
  readonly context?: ReactNode
  readonly children: ReactNode
}) {
  useEffect(() => {
    document.title = `${title} - ${PRODUCT}`
  }, [title])
  return (
    <main className="flex min-h-dvh flex-col items-center px-4 pb-12 pt-[max(4vh,40px)] sm:pt-[14vh]">
      <div className="w-full max-w-[360px]">
        <div className="mb-8 flex items-center gap-2.5 text-accent">
          <Logo className="size-7" />
          <span className="min-w-0 text-lg font-semibold tracking-[-0.01em] text-ink">{PRODUCT}</span>
        </div>
        <h1 className="text-2xl font-semibold tracking-[-0.018em] text-balance">{title}</h1>
        {context === undefined ? null : <p className="mt-1.5 text-base text-ink-2">{context}</p>}
        <div className="mt-7">{children}</div>
      </div>
    </main>
  )
}
