import { type KeyboardEvent, useState } from 'react'

import { Button } from '../ui/button.tsx'
import { TextArea } from '../ui/form.tsx'

/** What somebody has to say about lines; it goes to the composer, not to the model (UI-1146). */
export function CommentBox({
  about,
  onAdd,
  onCancel,
}: {
  /** "lines 3 to 5" */
  readonly about: string
  readonly onAdd: (comment: string) => void
  readonly onCancel: () => void
}) {
  const [text, setText] = useState('')
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Escape') onCancel()
    else if (event.key === 'Enter' && !event.shiftKey) onAdd(text.trim())
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <div className="flex flex-col gap-2 border-t border-accent bg-accent-wash p-2">
      <TextArea
        autoFocus
        rows={2}
        aria-label={`Comment on ${about}`}
        placeholder={`What about ${about}?`}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <div className="flex flex-wrap items-center justify-end gap-2">
        <span className="min-w-0 flex-1 truncate text-xs text-ink-2">Enter adds it to your message</span>
        <Button size="dense" onClick={onCancel}>
          Cancel
        </Button>
        <Button size="dense" tone="primary" onClick={() => onAdd(text.trim())}>
          Add to message
        </Button>
      </div>
    </div>
  )
}
