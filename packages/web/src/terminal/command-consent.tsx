import { type ReactNode, useState } from 'react'

import { useGo } from '../navigation/app-link.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { useArmed } from '../ui/use-armed.ts'
import { visibleText } from '../ui/visible-text.ts'

/** A command that came with a link runs only after the viewer has seen all of it and agreed (UI-907). */
export function CommandConsent({
  command,
  back,
  children,
}: {
  readonly command: string
  readonly back: string
  readonly children: ReactNode
}) {
  const go = useGo()
  const [agreed, setAgreed] = useState(false)
  const armed = useArmed()
  if (agreed) return children
  return (
    <main className="min-h-dvh bg-console">
      <Dialog
        open
        onClose={() => go(back)}
        title="Run this command?"
        description="The link that you followed wants to run it in your workspace. Run it only if you trust where the link came from."
        footer={
          <>
            <Button autoFocus onClick={() => go(back)}>
              Cancel
            </Button>
            <Button tone="danger" disabled={!armed} onClick={() => setAgreed(true)}>
              Run the command
            </Button>
          </>
        }
      >
        <pre className="max-h-60 overflow-auto whitespace-pre-wrap break-all rounded-control border border-line bg-bg p-3 text-sm">
          <bdi>{visibleText(command)}</bdi>
        </pre>
      </Dialog>
    </main>
  )
}
