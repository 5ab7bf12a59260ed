// The routes whose answer is the connection itself. Docker's first clients ask for no upgrade there.

const takenOver = /^(?:\/v\d+\.\d+)?\/(?:containers\/[^/]+\/attach|exec\/[^/]+\/start)$/;

export const mayTakeOver = (method: string, path: string): boolean =>
  method === "POST" && takenOver.test(path);
