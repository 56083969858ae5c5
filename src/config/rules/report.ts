/** Takes a field and what is wrong with it, as the rest of a sentence. */
export type Report = (path: string, message: string) => void;
