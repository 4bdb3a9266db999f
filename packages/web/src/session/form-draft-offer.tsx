import { useEffect, useState } from 'react'

import { onSessionExpired } from '../api/client.ts'
import { usePathname } from '../navigation/app-link.tsx'
import { Button } from '../ui/button.tsx'
import { fillIn, takeFormDraft, watchFields } from './form-drafts.ts'

/**
 * Keeps what is filled into forms when the session ends, and offers it to the same user who comes back (UI-204). Chats
 * keep their own drafts.
 */
export function FormDraftOffer({ user }: { readonly user: string }) {
  const [draft, setDraft] = useState(() => takeFormDraft(user))
  /** Whether what is left of the draft found no place. */
  const [stuck, setStuck] = useState(false)
  const pathname = usePathname()
  useEffect(() => {
    const fields = watchFields(user)
    const leave = onSessionExpired(() => {
      if (!/^\/agents(?!\/settings)/.test(location.pathname)) fields.keep()
    })
    return () => {
      leave()
      fields.stop()
    }
  }, [user])
  if (draft === undefined || draft.path !== pathname) return null
  return (
    <div
      role="status"
      className="fixed inset-x-4 bottom-4 z-40 mx-auto flex max-w-xl flex-wrap items-center gap-3 rounded-card border border-line-strong bg-raised px-4 py-3 shadow-float"
    >
      <p className="min-w-0 flex-1 basis-60 text-sm">
        {stuck
          ? 'Some of it could not be put back: its field or its choice is not there now.'
          : 'Your session ended while you were filling in a form. What you entered was kept, except for secrets.'}
      </p>
      <div className="flex gap-2">
        <Button onClick={() => setDraft(undefined)}>Discard</Button>
        <Button
          tone="primary"
          onClick={() => {
            setDraft(undefined)
            void fillIn(draft).then((left) => {
              setStuck(left !== undefined)
              setDraft(left)
            })
          }}
        >
          Restore
        </Button>
      </div>
    </div>
  )
}
