//! Pictures inside the generated docs.

/// Returns a picture as a data URL, since the generated docs have no files beside their pages.
pub fn data_url(picture: &str) -> String {
    let mut text = picture
        .replace(">\n<", "><")
        .replace(" opacity=\"1\"", "")
        .replace(" stroke=\"none\"", "")
        .replace('\n', " ")
        .replace('"', "'");
    // `%` first, because the other escapes contain it.
    for special in ['%', '<', '>', '#', '&'] {
        text = text.replace(special, &format!("%{:02X}", u32::from(special)));
    }
    format!("data:image/svg+xml,{text}")
}
