import type { MenuItem } from '../ui/menu.tsx'
import type { OfferedAction } from './use-workspace-actions.tsx'

/** An action as an entry of a menu. */
export function menuItem({ action, label, icon, danger, disabled, run }: OfferedAction): MenuItem {
  return { id: action, label, icon, danger, disabled, onSelect: run }
}
