/** Where the viewer may start chats of their own (UI-1112). */
export const STARTS_CHATS = ['chat', 'create', 'me'] as const
