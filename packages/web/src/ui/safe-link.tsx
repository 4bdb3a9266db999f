import { type MouseEvent, type ReactNode, useState } from 'react'

import { Button, buttonClass } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { safeHref } from './safe-href.ts'
import { isSuspicious } from './suspicious-link.ts'

/**
 * A link of untrusted text, in a tab of its own. One that looks as if it led elsewhere asks first, with the real host
 * (UI-2005).
 */
export function SafeLink({
  href,
  text,
  children,
}: {
  readonly href: string
  /** What the reader sees, without marks. */
  readonly text: string
  readonly children: ReactNode
}) {
  const [asking, setAsking] = useState(false)
  const target = safeHref(href)
  if (target === undefined) return <span>{children}</span>
  const ask = (event: MouseEvent) => {
    if (!isSuspicious(target, text)) return
    event.preventDefault()
    setAsking(true)
  }
  const { host } = new URL(target)
  return (
    <>
      <a
        href={target}
        title={target}
        target="_blank"
        rel="noopener noreferrer"
        onClick={ask}
        onAuxClick={ask}
        className="link"
      >
        {children}
      </a>
      {asking ? (
        <Dialog
          open
          onClose={() => setAsking(false)}
          title={`Open ${host}?`}
          description="The text of this link names another place, or has misleading characters. It leads here:"
          footer={
            <>
              <Button onClick={() => setAsking(false)} autoFocus>
                Cancel
              </Button>
              <a
                href={target}
                target="_blank"
                rel="noopener noreferrer"
                className={buttonClass({ tone: 'primary' })}
                onClick={() => setAsking(false)}
              >
                Open {host}
              </a>
            </>
          }
        >
          <code className="block text-sm [overflow-wrap:anywhere]">{target}</code>
        </Dialog>
      ) : null}
    </>
  )
}
