import { Download } from 'lucide-react'

import { Button } from '../ui/button.tsx'

/** Saves what a part of the page shows as a file. */
export function SaveButton({ what, onSave }: { readonly what: string; readonly onSave: () => void }) {
  return (
    <Button
      size="dense"
      icon={<Download className="size-3.5" />}
      onClick={onSave}
      aria-label={`CSV: ${what}`}
    >
      CSV
    </Button>
  )
}
