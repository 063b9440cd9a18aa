/** Where an nginx keeps what it writes: in a folder of its own, whoever runs it. */
export const nginxPaths = (folder: string): string => `client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;`;
