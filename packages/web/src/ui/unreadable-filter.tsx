import { SearchX } from 'lucide-react'

import { Button } from './button.tsx'
import { EmptyState } from './empty-state.tsx'

/** In the place of a list whose filter the server does not understand, when there is no earlier result to keep. */
export function UnreadableFilter({ onClear }: { readonly onClear: () => void }) {
  return (
    <div className="rounded-card border border-line bg-surface">
      <EmptyState
        icon={SearchX}
        title="The filter cannot be read"
        action={<Button onClick={onClear}>Clear the filter</Button>}
      >
        Under the filter stands what is wrong with it.
      </EmptyState>
    </div>
  )
}
