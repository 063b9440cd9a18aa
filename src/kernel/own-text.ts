const oneByte = /^[\0-\xff]*$/;

/**
 * Copies a text. One that was cut out of a longer text keeps all of that in memory for as long as it lives, and what stood
 * beside it may be somebody's cookies.
 */
export const ownText = (text: string): string => {
  const encoding = oneByte.test(text) ? "latin1" : "utf16le";
  return Buffer.from(text, encoding).toString(encoding);
};
